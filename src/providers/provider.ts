import type { PricePerMillion } from "../kernel/money.js";
import type { ChatRequest, ContinuationForm } from "../tasks/chat-completion.js";
import type { Task } from "../tasks/index.js";
import type { Changes } from "../tasks/json-object.js";
import type { Media, Upload } from "../tasks/media.js";
import type { Json, TaskInput, TaskOutput } from "../tasks/task-call.js";
import type { Reported, Unit, Usage } from "../tasks/usage.js";

/** Where a provider lists its models, and how to read its list. */
export type Listing = {
  /** Below its origin, with its query. */
  readonly path: string;
  /** Throws MalformedReply for what is no list. */
  readonly read: (json: unknown) => readonly ListedModel[];
  /** It calls models by their Hub ids. */
  readonly hasHubIds: boolean;
};

/** A model as its provider lists it; what the list does not say is not there. */
export type ListedModel = {
  /** Its own name for it. */
  readonly id: string;
  readonly task?: Task;
  readonly contextLength?: number;
  readonly maxOutputTokens?: number;
  readonly supportsTools?: boolean;
  readonly price?: { readonly [U in Unit]?: PricePerMillion };
};

/** How a key is shown to a provider. Adapters never see the key itself. */
export type Auth = {
  readonly header: string;
  /** What stands before the key; empty where nothing does. */
  readonly scheme: string;
};

/** How nearly all want it. */
export const bearer: Auth = { header: "authorization", scheme: "Bearer" };

/** The value of the header that shows a key. */
export const shownKey = ({ scheme }: Auth, key: string): string =>
  scheme === "" ? key : `${scheme} ${key}`;

/** One provider: what to send and how to read what comes back, as data and pure functions. */
export type Provider = {
  readonly id: string;
  readonly name: string;
  /** Scheme, host and, where all routes share one, a first path segment. Configuration may replace it. */
  readonly origin: string;
  readonly auth: Auth;
  /** Sent with every request, polls included. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Where the operator's key is looked for. */
  readonly keyVariable: string | undefined;
  /** Some servers on one's own machine want no key. */
  readonly needsKey: boolean;
  /** Whether it keeps or learns from what it is sent; undefined where nobody has said, and then it counts as if it did. */
  readonly retainsPrompts?: boolean;
  /** How it is asked to go on with an answer that somebody else began; undefined where nobody knows that it can. */
  readonly continuation?: ContinuationForm;
  /** The answer header with its own id of a request, by which its billing endpoint knows the request. */
  readonly requestIdHeader?: string;
  /** Its further hosts, by the name that a request gives: fal's queue has one of its own. */
  readonly hosts?: Readonly<Record<string, string>>;
  /** In lower case: the header in which its own client names the whole URL to whoever stands in between. */
  readonly targetHeader?: string;
  readonly tasks: { readonly conversational?: ChatAdapter } & {
    readonly [T in Exclude<Task, "conversational">]?: TaskAdapter;
  };
  /** Its own routes of chat that are not OpenAI's: whoever calls them is answered as the provider answers. */
  readonly ownChats?: readonly OwnChat[];
  readonly listing?: Listing;
  /** Routes of its own, besides those of chat, that callers may use as they are. */
  readonly routes?: readonly PassRoute[];
};

/** What is sent to a provider for a task other than chat. The gateway adds the origin and the key. */
export type ProviderRequest = {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** With its query. */
  readonly path: string;
  /** One of the provider's `hosts`, where it is not the origin. */
  readonly host?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: RequestBody;
  /** In place of a body: a file that is passed on while it comes in. */
  readonly upload?: Upload;
};

export type RequestBody =
  | { readonly kind: "json"; readonly json: unknown }
  | { readonly kind: "bytes"; readonly media: Media }
  /** `multipart/form-data`; a file's name tells the provider its type. */
  | { readonly kind: "form"; readonly fields: readonly FormField[] };

export type FormField =
  | { readonly name: string; readonly text: string }
  | { readonly name: string; readonly media: Media; readonly fileName: string };

/** A provider's answer of status 2xx; others never reach an adapter. */
export type ProviderReply = {
  /** What it is the answer to. */
  readonly request: ProviderRequest;
  readonly status: number;
  /** `name` in lower case. */
  readonly header: (name: string) => string | undefined;
  /** In lower case and without parameters; empty where the answer names none. */
  readonly type: string;
  readonly bytes: Uint8Array;
  /** The body, parsed; undefined where it is no JSON. */
  readonly json: unknown;
};

/** A model as one provider has it. */
export type Target = {
  readonly providerModel: string;
  /** The Hub's id. */
  readonly modelId: string;
  /** For a LoRA adapter: the file of weights in the Hub's repository. */
  readonly loraWeights: string | undefined;
};

/** What to do next. Adapters decide; only the gateway sends, waits or reads the time. */
export type Step =
  | {
      readonly kind: "send";
      readonly request: ProviderRequest;
      readonly afterMs: number;
      /** The provider's own id of the job that is waited for. */
      readonly job: string;
      /** The result is there already, and only what it cost is not. */
      readonly hasResult?: boolean;
    }
  | {
      readonly kind: "done";
      readonly output: TaskOutput;
      /** As the provider counted it, where it did. */
      readonly usage?: Usage;
      /** The provider's own id of the job that is done, where one can still ask for it. */
      readonly job?: string;
    }
  /** The job ended without a result. */
  | { readonly kind: "failed"; readonly message: string };

/** What a reader of costs may look at. A stream's headers were sent before it was known, so they are not shown. */
export type ReplyFacts = {
  readonly header: (name: string) => string | undefined;
  /** A member of the answer's body, parsed. */
  readonly member: (name: string) => unknown;
};

/** How it is read what an answer says that it cost; undefined where it does not say. */
export type CostReader = (reply: ReplyFacts) => Reported | undefined;

/**
 * A task on one provider's wire. `start` throws a RouterError for what it must refuse by name; `next` throws
 * MalformedReply for an answer that is none. A queued job is the same shape: `next` answers `send` until it is done.
 */
export type TaskAdapter = {
  readonly start: (input: TaskInput, target: Target) => ProviderRequest;
  readonly next: (reply: ProviderReply, target: Target) => Step;
  /** Parameters that it refuses to go without, with values that all who speak it know. Callers send their own. */
  readonly insistsOn?: Json;
  /** Whether a file alone is sent as it is, so that it may be passed on while it comes in. */
  readonly takesUploads?: boolean;
  /** Where its answers say what they cost, and are believed. */
  readonly reported?: CostReader;
  /** The same on a route whose events are like those of chat. */
  readonly streamed?: ChatAdapter;
};

/** How a provider's chat, or what streams like it, is spoken; undefined where it has none. */
export const chatAdapterOf = (tasks: Provider["tasks"], task: Task): ChatAdapter | undefined =>
  task === "conversational" ? tasks.conversational : tasks[task]?.streamed;

/** A route on a provider's own wire. The model or job is in the path, or where `model` or `job` says. */
export type PassRoute = {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** `{model}` takes one segment or more, `{job}` and `*` one. */
  readonly path: string;
  /** What may be called here; none where it is about a job that was begun elsewhere. */
  readonly tasks: readonly Exclude<Task, "conversational">[];
  /** The member of the body (JSON or form) that names the model. */
  readonly model?: string;
  /** The member that holds what the model is given, where that is not the body itself. */
  readonly given?: string;
  /** The parameter of the query that names the job. */
  readonly job?: string;
  /** Which of the provider's `hosts` has it, where the query does not say. */
  readonly host?: string;
};

/** A route of chat in a form that is not OpenAI's, though the request has a `model` and `messages` like it. */
export type OwnChat = { readonly path: string; readonly form: "cohere" };

/** Where a provider says afterwards what requests cost. */
export type BillingEndpoint = {
  readonly url: string;
  /** In lower case: the answer header with the provider's own id of the request. */
  readonly requestIdHeader: string;
  /** It need not be asked sooner than this after an answer. */
  readonly delayMs: number;
};

/** An OpenAI-shaped chat route: the body passes through but for what stands here. */
export type ChatAdapter = {
  readonly path: (providerModel: string) => string;
  /** Changes to the caller's body besides `model`; undefined for none. Throws a RouterError for what it must refuse. */
  readonly changes: (request: ChatRequest) => Changes | undefined;
  /** Members that the provider would choke on and that change nothing about the answer. */
  readonly leaveOut: readonly string[];
  /** Whether a stream's usage must be asked for. */
  readonly usageInStream: "on_request" | "always";
  /** The member that limits the output where the caller named none. */
  readonly maxTokensName: "max_tokens" | "max_completion_tokens";
  /** Where it takes Text Generation Inference's own form, and streams in that. */
  readonly generationPath?: (providerModel: string) => string;
  /** Its own finish reasons, and what OpenAI calls them. */
  readonly finishReasons: Readonly<Record<string, string>>;
  /** Sends `"id": ""`, which we fill. */
  readonly hasEmptyIds: boolean;
  /** Where its answers say what they cost, and are believed. */
  readonly reported: CostReader | undefined;
};
