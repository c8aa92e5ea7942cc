import type {
  ChatRequest,
  ResponseFormat,
  ResponseFormatForm,
} from "../../tasks/chat-completion.js";
import type { Changes } from "../../tasks/json-object.js";
import type { ChatAdapter } from "../provider.js";

type Options = Partial<Omit<ChatAdapter, "changes" | "path">> & {
  readonly path: string | ChatAdapter["path"];
  /** The forms of a JSON schema it understands; others are rewritten into the first. */
  readonly schemaForms?: readonly SchemaForm[];
  /** A member of its own that wants the schema as well. */
  readonly schemaCopy?: string;
  /** Takes schemas, but not `strict` ones. */
  readonly isNeverStrict?: boolean;
};

type SchemaForm = Exclude<ResponseFormatForm, "text" | "json_object" | "other">;

/** OpenAI Chat Completions, in request, answer and stream. */
export function openAiChat(options: Options): ChatAdapter {
  const { path, leaveOut = [] } = options;
  const rewriting = { schemaForms: OPENAI_FORMS, ...options };
  return {
    path: typeof path === "string" ? () => path : path,
    changes: (request) => {
      if (!request.responseFormat && !holdsAny(request, leaveOut)) return undefined;
      const changes: Changes = new Map();
      rewriteSchema(request, rewriting, changes);
      for (const name of leaveOut) if (request.body.has(name)) changes.set(name, undefined);
      return changes;
    },
    leaveOut,
    usageInStream: options.usageInStream ?? "on_request",
    maxTokensName: options.maxTokensName ?? "max_tokens",
    finishReasons: options.finishReasons ?? {},
    hasEmptyIds: options.hasEmptyIds ?? false,
    reported: options.reported,
  };
}

const OPENAI_FORMS: readonly SchemaForm[] = ["openai_schema"];

function holdsAny({ body }: ChatRequest, names: readonly string[]): boolean {
  for (const name of names) if (body.has(name)) return true;
  return false;
}

function rewriteSchema(
  { responseFormat }: ChatRequest,
  { schemaForms: accepted = [], schemaCopy, isNeverStrict }: Options,
  changes: Changes,
): void {
  const [preferred] = accepted;
  if (!responseFormat || !preferred || !isSchemaForm(responseFormat.form)) return;
  const format = isNeverStrict ? { ...responseFormat, strict: false } : responseFormat;
  if (!accepted.includes(responseFormat.form) || isNeverStrict) {
    changes.set("response_format", JSON.stringify(WRITERS[preferred](format)));
  }
  if (schemaCopy !== undefined) changes.set(schemaCopy, JSON.stringify(format.schema));
}

const isSchemaForm = (form: ResponseFormatForm): form is SchemaForm => form in WRITERS;

const WRITERS: Readonly<Record<SchemaForm, (format: ResponseFormat) => object>> = {
  openai_schema: ({ schema, name = "answer", strict }) => ({
    type: "json_schema",
    json_schema: { name, schema, ...(strict !== undefined && { strict }) },
  }),
  flat_schema: ({ schema }) => ({ type: "json_schema", schema }),
  object_schema: ({ schema }) => ({ type: "json_object", schema }),
  object_value: ({ schema }) => ({ type: "json_object", value: schema }),
};
