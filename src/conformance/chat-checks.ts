/** Chat: an answer at once, a stream, a tool that is called, an answer of a given form. */
import {
  type ChatBody,
  MEMBERS,
  PLAIN,
  STREAM,
  STRUCTURED,
  TOKENS,
  TOOL,
  TOOLS,
} from "./chat-probes.js";
import {
  isCutShort,
  paceFault,
  plainFault,
  streamFault,
  structuredFault,
  throughputOf,
  toolFault,
  totalFault,
} from "./chat-shapes.js";
import {
  type Answered,
  type Check,
  failed,
  type Judgment,
  jsonOf,
  judgeAnswer,
  judged,
  type Probe,
  type Subject,
  skipped,
} from "./check.js";

const probe =
  (body: ChatBody, maxTokens: number) =>
  (subject: Subject): Probe => ({
    ...subject.chat(body, maxTokens),
    key: "good",
    isStream: body.stream === true,
  });

/** A status other than 200 says all there is to say. */
const statusFault = ({ status }: Answered): string | undefined =>
  status === 200 ? undefined : `the status is ${status}, not 200`;

const first = (...faults: readonly (string | undefined)[]): Judgment =>
  judged(faults.find((fault) => fault !== undefined));

export const CHAT: Check = {
  name: "chat",
  expected:
    'status 200, and JSON with "choices", "created", "id", "model" and "usage", within 30 s',
  hint: "Answer POST /chat/completions as OpenAI does; Hugging Face's JavaScript client refuses anything else.",
  probe: probe(PLAIN, TOKENS.plain),
  judge: judgeAnswer((answer) =>
    first(
      statusFault(answer),
      statusFault(answer) ?? plainFault(jsonOf(answer.text)),
      totalFault(answer.ms),
    ),
  ),
};

export const STREAMED: Check = {
  name: "chat_stream",
  expected:
    'an event stream: chunks with "choices", one with "usage", "data: [DONE]" at the end; first token within 5 s, all within 30 s',
  hint: 'Honour "stream": true and "stream_options": {"include_usage": true}, and flush every event.',
  probe: probe(STREAM, TOKENS.stream),
  judge: judgeAnswer((answer) => {
    const fault = statusFault(answer) ?? streamFault(answer) ?? paceFault(answer);
    return judged(fault);
  }),
};

/** A refusal, or an answer that does not do it, says that it is not supported; what was cut short says nothing. */
const capability = (fault: (json: unknown) => string | undefined): Check["judge"] =>
  judgeAnswer((answer) => {
    if (answer.status !== 200) return failed(`the status is ${answer.status}, not 200`);
    const json = jsonOf(answer.text);
    const why = fault(json);
    if (why !== undefined && isCutShort(json)) return skipped("the answer was cut short");
    return judged(why);
  });

export const TOOL_CALLING: Check = {
  name: "tools",
  expected: `"tool_calls" with a call of ${TOOL}, whose arguments are a JSON object as text`,
  hint: 'A model that does not call tools is listed with "supports_tools": false.',
  isOptional: true,
  probe: probe(TOOLS, TOKENS.tools),
  judge: capability((json) => toolFault(json, TOOL)),
};

export const STRUCTURED_OUTPUT: Check = {
  name: "structured_output",
  expected: `a content that is a JSON object with ${Object.keys(MEMBERS).join(" and ")}, and nothing around it`,
  hint: 'Honour "response_format": {"type": "json_schema"}; otherwise the model is listed with "supports_structured_output": false.',
  isOptional: true,
  probe: probe(STRUCTURED, TOKENS.structured),
  judge: capability((json) => structuredFault(json, MEMBERS)),
};

export const CHAT_CHECKS: readonly Check[] = [CHAT, STREAMED, TOOL_CALLING, STRUCTURED_OUTPUT];

/** How fast a good stream was. */
export const speedOf = (answer: Answered) => ({
  firstTokenMs: answer.firstTokenMs,
  throughput: throughputOf(answer),
});
