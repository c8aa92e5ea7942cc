/** A request of a task, with what its parameters and its sound say of how much it will use. */
import { durationMsOf } from "../../gateway/task/measure.js";
import type { TaskRequest } from "../../gateway/task/task-request.js";
import { assert } from "../../kernel/errors.js";
import { askedOf, expectedOf } from "../../metering/asked.js";
import type { Media } from "../../tasks/media.js";

type Given = Omit<TaskRequest, "asked" | "expected" | "isStream">;

export async function taskRequest(given: Given): Promise<TaskRequest> {
  const { tasks, input, count } = given;
  const [task] = tasks;
  assert(task, "a request is for some task");
  const audioMs = input.media && (await soundMs(input.media));
  const asked = askedOf(task, input, count, audioMs);
  return { ...given, asked, expected: expectedOf(task, asked), isStream: false };
}

/** A sound of unknown format is as long as its bytes can make it, at the 8 kbit/s of the tightest speech codecs. */
async function soundMs(media: Media): Promise<number | undefined> {
  if (media.type.startsWith("image/")) return undefined;
  return (await durationMsOf(media)) ?? media.bytes.byteLength;
}
