/** What pictures and sounds are sent. */
import { join } from "node:path";
import sharp from "sharp";
import { playSound } from "../../../sim/media/play-sound.js";
import { randomFrom } from "../../../sim/random.js";

const PHOTO = join(import.meta.dir, "../../embedded/media/astronaut.jpg");

/** Of a person, for engines that look at it; small, since one of them makes it larger. */
const SIDE = 160;
const photo = await sharp(PHOTO).resize(SIDE, SIDE).jpeg().toBuffer();
export const picture = new Blob([new Uint8Array(photo)], { type: "image/jpeg" });
export const sound = new Blob([playSound("wav", 1, randomFrom(1), 0)], { type: "audio/wav" });
