/** What a task used: as the provider counted it, and for the rest as what was delivered says. */
import { textIn } from "../../metering/asked.js";
import { charges } from "../../metering/cost.js";
import {
  type Asked,
  chargesLooks,
  chargesTokens,
  taskBound,
  taskMeasured,
} from "../../metering/task-usage.js";
import type { Candidate } from "../../routing/policy.js";
import type { Delivered } from "../../tasks/task-call.js";
import { noUsage, type Usage } from "../../tasks/usage.js";
import { chargedPrice } from "../money/funds.js";
import { countTokens } from "../tokenizer.js";
import { lookAt } from "./measure.js";

type Answered = { readonly delivered: Delivered; readonly usage: Usage | undefined };

/** `inputs` is where the text is that counts as tokens where the provider counted none. */
export async function usageOfTask(
  asked: Asked,
  candidate: Candidate,
  { delivered, usage }: Answered,
  inputs: unknown,
): Promise<Usage> {
  const price = chargedPrice(candidate);
  const looked = await lookAt(delivered, chargesLooks(price));
  const measured = taskMeasured(candidate.mapping.task, asked, looked, (measure) =>
    charges(price, measure),
  );
  if (usage) return { ...usage, measured: { ...measured, ...usage.measured } };
  if (!chargesTokens(price)) return { ...noUsage, measured };
  const { task } = candidate.mapping;
  // Nobody but the provider can count the tokens of a picture or a sound; then as many count as were held for.
  const isText = delivered.kind === "json" && asked.audioMs === undefined && !asked.hasImage;
  const tokens = isText
    ? await countedTokens(inputs, delivered)
    : taskBound(task, asked, undefined);
  const { inputTokens, outputTokens } = tokens;
  return { ...noUsage, inputTokens, outputTokens, estimated: true, measured };
}

type Tokens = Pick<Usage, "inputTokens" | "outputTokens">;

async function countedTokens(inputs: unknown, delivered: Delivered): Promise<Tokens> {
  const written = delivered.kind === "json" ? textIn(delivered.json) : "";
  const [inputTokens, outputTokens] = await Promise.all([
    countTokens(textIn(inputs)),
    countTokens(written),
  ]);
  return { inputTokens, outputTokens };
}
