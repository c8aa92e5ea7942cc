/** What pictures and sounds are sent. */
import { join } from "node:path";
import { playSound } from "../../../sim/media/sound.js";
import { randomFrom } from "../../../sim/random.js";

const PHOTO = join(import.meta.dir, "../../embedded/media/astronaut.jpg");

/** Of a person, for engines that look at it, and small enough for Together's films. */
export const picture = new Blob([await Bun.file(PHOTO).bytes()], { type: "image/jpeg" });
export const sound = new Blob([playSound("wav", 1, randomFrom(1), 0)], { type: "audio/wav" });
