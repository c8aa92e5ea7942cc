/** What pictures and sounds are sent: small ones, since Together takes no larger pictures for its films. */
import { drawPicture } from "../../../sim/media/picture.js";
import { playSound } from "../../../sim/media/sound.js";
import { randomFrom } from "../../../sim/random.js";

const SIZE = { width: 64, height: 48 };

export const picture = new Blob([drawPicture("png", SIZE, randomFrom(1), 0)], {
  type: "image/png",
});
export const sound = new Blob([playSound("wav", 1, randomFrom(1), 0)], { type: "audio/wav" });
