/** What a task used: as the provider counted it, and for the rest as what was delivered says. */
import { textIn } from "../metering/asked.js";
import { charges } from "../metering/cost.js";
import { type Asked, chargesLooks, chargesTokens, taskMeasured } from "../metering/task-usage.js";
import type { Candidate } from "../routing/policy.js";
import type { Delivered } from "../tasks/task-call.js";
import { noUsage, type Usage } from "../tasks/usage.js";
import { chargedPrice } from "./funds.js";
import { lookAt } from "./measure.js";
import { countTokens } from "./tokenizer.js";

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
  return { ...(await countedTokens(inputs, delivered)), measured };
}

async function countedTokens(inputs: unknown, delivered: Delivered): Promise<Usage> {
  const written = delivered.kind === "json" ? textIn(delivered.json) : "";
  const [inputTokens, outputTokens] = await Promise.all([
    countTokens(textIn(inputs)),
    countTokens(written),
  ]);
  return { ...noUsage, inputTokens, outputTokens, estimated: true };
}
