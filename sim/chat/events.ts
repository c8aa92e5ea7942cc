import type { JsonObject } from "../json.js";
import type { Piece } from "../tokens.js";
import type { Answer, Choice } from "./answer.js";
import type { ChunkChoice, Speaking } from "./dialect.js";
import type { Event } from "./sse.js";
import { type Step, stepsOf } from "./steps.js";
import { MARK, templateOf } from "./template.js";

const DONE: Event = { text: "data: [DONE]\n\n", tokens: 0 };
const eventOf = (body: JsonObject, tokens: number): Event => ({
  text: `data: ${JSON.stringify(body)}\n\n`,
  tokens,
});

/** The whole stream, event by event, without the faults that dials may add. */
export function eventsFor(answer: Answer, speaking: Speaking): Event[] {
  const { dialect, dials } = speaking;
  const places = usagePlaces(speaking);
  const usage = dialect.usage(answer.usage, answer.head);
  const printer = printerFor(answer, speaking, places);
  answer.choices.forEach((choice, index) => {
    const last = index === answer.choices.length - 1;
    const final = { last, usage: last && places.beside ? usage : places.elsewhere };
    printChoice(choice, index, { speaking, printer, final });
  });
  const { events } = printer;
  if (places.own) {
    const facts = { head: answer.head, choice: undefined, usage, first: false, last: false };
    events.push(eventOf(dialect.chunk(facts), 0));
  }
  if (dialect.stream.done && !dials.missing_done) events.push(DONE);
  return events;
}

type Places = {
  /** On the chunk that finishes. */
  readonly beside: boolean;
  /** On a chunk of its own after it. */
  readonly own: boolean;
  /** On every chunk, counted so far. */
  readonly running: boolean;
  /** What the other chunks say. */
  readonly elsewhere: null | undefined;
};

function usagePlaces(speaking: Speaking): Places {
  const { usageNull } = speaking.dialect.stream;
  const carried = usageCarriers(speaking);
  const isNull = usageNull === "always" || (usageNull === "asked" && carried.own);
  return { ...carried, elsewhere: isNull ? null : undefined };
}

const NOWHERE = { beside: false, own: false, running: false };

function usageCarriers({ ask, dialect, dials }: Speaking): Omit<Places, "elsewhere"> {
  if (dials.missing_usage || dials.stream_usage === "never") return NOWHERE;
  if (dials.stream_usage === "always") return { ...NOWHERE, beside: true };
  const habit = dials.stream_usage === "asked" ? "asked" : dialect.stream.usage;
  const own = (habit === "asked" || habit === "both") && ask.includeUsage;
  return { beside: habit !== "asked", own, running: habit === "running" };
}

type Final = { readonly last: boolean; readonly usage: JsonObject | null | undefined };

type Printer = {
  readonly events: Event[];
  /** Whether chunks in the middle differ in their token alone. */
  readonly alike: boolean;
  readonly print: (choice: ChunkChoice, tokens: number, final?: Final) => void;
  /** The JSON of a chunk in the middle of the stream. */
  readonly middle: (choice: ChunkChoice) => string;
};

function printerFor(answer: Answer, { dialect }: Speaking, places: Places): Printer {
  const events: Event[] = [];
  const { head } = answer;
  const { elsewhere, running } = places;
  let sent = 0;
  const soFar = () => dialect.usage({ ...answer.usage, completion: sent }, head);
  return {
    events,
    alike: !running,
    print(choice, tokens, final) {
      sent += tokens;
      const usage = final ? final.usage : running ? soFar() : elsewhere;
      const first = events.length === 0;
      const last = final?.last ?? false;
      events.push(eventOf(dialect.chunk({ head, choice, usage, first, last }), tokens));
    },
    middle: (choice) =>
      JSON.stringify(dialect.chunk({ head, choice, usage: elsewhere, first: false, last: false })),
  };
}

type Printing = { readonly speaking: Speaking; readonly printer: Printer; readonly final: Final };

function printChoice(choice: Choice, index: number, { speaking, printer, final }: Printing): void {
  const { dialect } = speaking;
  const steps = stepsOf(choice, speaking);
  const finish = dialect.finish(choice.finish);
  const onToken = dialect.stream.finish === "last-token" && choice.finish === "length";
  const lastStep = onToken ? steps.pop() : undefined;
  printSteps(steps, index, printer);
  const empty = dialect.stream.role === "every" ? { role: "assistant", content: "" } : {};
  const { delta, piece, tokens, logprobs } = lastStep ?? { delta: empty, tokens: 0 };
  printer.print({ index, delta, piece, finish, logprobs }, tokens, final);
}

/**
 * Most chunks of a stream differ only in their token. So the first such chunk is printed with marks in
 * place of the token, cut at the marks, and the rest are put together from the parts: printing each by
 * itself was most of the work of a stream.
 */
function printSteps(steps: readonly Step[], index: number, printer: Printer): void {
  const { events, alike, print, middle } = printer;
  let fill: ((piece: Piece) => string) | undefined;
  for (const { delta, piece, tokens, logprobs } of steps) {
    if (!piece || logprobs !== undefined || events.length === 0 || !alike) {
      print({ index, delta, piece, finish: null, logprobs }, tokens);
      continue;
    }
    const marked = { ...delta, content: MARK.text };
    fill ??= templateOf(
      middle({ index, delta: marked, piece: MARK, finish: null, logprobs: undefined }),
    );
    events.push({ text: fill(piece), tokens });
  }
}
