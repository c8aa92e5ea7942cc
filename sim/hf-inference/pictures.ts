import { isString } from "../json.js";
import { type Media, makePicture } from "../media/make.js";
import type { Size } from "../media/picture.js";
import { numberAt, sizeIn } from "../task/read.js";
import { imageIn } from "./files.js";
import { failed, type Given, type Made, type Pipeline, required } from "./pipeline.js";

/** JPEG, but for who asks for PNG. */
const draw = ({ ask }: Given, size: Size): Media =>
  makePicture(ask, size, ask.headers.get("accept") === "image/png" ? "png" : "jpeg");

const drawn = (given: Given, size: Size): Made => ({
  body: { media: draw(given, size) },
  units: {
    images: 1,
    pixels: size.width * size.height,
    steps: numberAt(given.parameters, "num_inference_steps") ?? DEFAULT_STEPS,
  },
});

const DEFAULT_STEPS = 50;
const USUAL_SIZE: Size = { width: 512, height: 512 };

export const textToImage: Pipeline = (given) => {
  if (!isString(given.inputs)) return required("inputs");
  const size = sizeIn(given.parameters, USUAL_SIZE);
  return size ? drawn(given, size) : failed("`height` and `width` have to be divisible by 8");
};

export const imageToImage: Pipeline = (given) => {
  const image = imageIn(given, given.inputs);
  if ("refused" in image) return image;
  const size = sizeIn(given.parameters, image);
  return size ? drawn(given, size) : failed("`height` and `width` have to be divisible by 8");
};
