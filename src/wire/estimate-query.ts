/** What an estimate is asked about: any inference body, or no more than a model's name. */
import { z } from "zod";
import { ceilDecimal } from "../kernel/decimal.js";
import { badRequest } from "../kernel/errors.js";
import { TASKS, type Task } from "../tasks/index.js";
import { MEASURES, type Measure, type Measured } from "../tasks/usage.js";
import { splitModel } from "./chat-request.js";
import { checked } from "./checked.js";
import { WRITTEN } from "./usage.js";

export type EstimateQuery = {
  readonly model: string;
  readonly suffix: string | undefined;
  readonly task: Task | undefined;
  /** What goes in, whose text is to be counted; undefined where it is not said. */
  readonly input: unknown;
  /** As the task names them. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** By name; the rest is assumed. */
  readonly inputTokens: number | undefined;
  readonly outputTokens: number | undefined;
  readonly measured: Measured;
};

/** What can be said of a call: `input_tokens`, `output_tokens`, `images`, `megapixels`, `audio_seconds`, … */
export const ASSUMABLE: readonly string[] = [
  ...["input_tokens", "output_tokens"],
  ...MEASURES.map((measure) => WRITTEN[measure].name),
];

const COUNT_MAX = 1_000_000_000;
const count = z.int().min(0).max(COUNT_MAX);

const schema = z.looseObject({
  task: z.enum(TASKS).optional(),
  assume: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
  n: count.optional(),
  size: z.string().optional(),
  max_tokens: count.nullish(),
  parameters: z
    .looseObject({ width: count, height: count, num_inference_steps: count, max_new_tokens: count })
    .partial()
    .optional(),
});

type Body = z.output<typeof schema>;

/** Throws a RouterError that names what cannot be read. */
export function parseEstimateQuery(body: Readonly<Record<string, unknown>>): EstimateQuery {
  const read = checked(schema, body);
  const said = parseAssumed(read.assume ?? {});
  return {
    ...splitModel(body.model),
    task: read.task,
    input: inputOf(body),
    parameters: read.parameters ?? {},
    inputTokens: said.input_tokens,
    outputTokens: said.output_tokens ?? limitOf(read),
    measured: { ...measuredIn(read), ...said.measured },
  };
}

/** The same as `name=value,…`, as the command line has it. */
export function parseAssumedList(list: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    list.split(",").map((entry) => {
      const at = entry.indexOf("=");
      if (at > 0) return [entry.slice(0, at).trim(), entry.slice(at + 1).trim()];
      throw badRequest(`"${entry}" is no name=value.`, "assume");
    }),
  );
}

type Said = {
  readonly input_tokens?: number;
  readonly output_tokens?: number;
  readonly measured: Measured;
};

function parseAssumed(written: Readonly<Record<string, string | number>>): Said {
  const tokens: Record<string, number> = {};
  const measured: { [M in Measure]?: number } = {};
  for (const [name, value] of Object.entries(written)) {
    const measure = MEASURES.find((each) => WRITTEN[each].name === name);
    if (measure) measured[measure] = wholeOf(name, value, WRITTEN[measure].decimals);
    else if (ASSUMABLE.includes(name)) tokens[name] = wholeOf(name, value, 0);
    else throw badRequest(`"assume" knows ${ASSUMABLE.join(", ")}; not "${name}".`, "assume");
  }
  return { ...tokens, measured };
}

/** In the small units that things are counted in, of which there are 10^`decimals` in one. */
function wholeOf(name: string, value: string | number, decimals: number): number {
  const amount = ceilDecimal(String(value), decimals);
  const isWhole = decimals > 0 || /^\d+$/.test(String(value));
  const most = BigInt(COUNT_MAX) * 10n ** BigInt(Math.min(decimals, 6));
  if (amount !== undefined && isWhole && amount <= most) return Number(amount);
  const kind = decimals > 0 ? "a number" : "a whole number";
  throw badRequest(`"assume": ${name} must be ${kind} from 0 on, and not beyond reason.`, "assume");
}

const limitOf = ({ max_tokens, parameters }: Body): number | undefined =>
  max_tokens ?? parameters?.max_new_tokens;

function measuredIn({ n, size, parameters }: Body): Measured {
  const images = n ?? 1;
  const [width, height] = sizeOf(size) ?? [parameters?.width, parameters?.height];
  const steps = parameters?.num_inference_steps;
  return {
    ...(n !== undefined && { images }),
    ...(width !== undefined && height !== undefined && { pixels: images * width * height }),
    ...(steps !== undefined && { steps: images * steps }),
  };
}

function sizeOf(size: string | undefined): readonly [number, number] | undefined {
  if (size === undefined || size === "auto") return undefined;
  const match = /^(\d{1,5})x(\d{1,5})$/.exec(size);
  if (match) return [Number(match[1]), Number(match[2])];
  throw badRequest('"size" must be like "1024x1024".', "size");
}

/** Wherever the tasks keep what they are given. */
function inputOf({ input, inputs, prompt, query, documents }: Readonly<Record<string, unknown>>) {
  const given = [input, inputs, prompt, query, documents].filter((value) => value !== undefined);
  return given.length > 0 ? given : undefined;
}
