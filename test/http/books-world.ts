/** An app with one or two providers, and what its users can read of the past. */
import { checkReceipt, type Verdict } from "../../src/ledger/signed-receipt.js";
import { call, chat, type TestUser, testApp } from "../support/app.js";
import { manualClock } from "../support/clock.js";
import {
  type FakeProvider,
  fakeProvider,
  plainAnswer,
  type Received,
  type Reply,
  yamlFor,
} from "../support/provider.js";

export const ME = "/api/turnpike/me";
export const ASK = {
  model: "org/model",
  messages: [{ role: "user", content: "hi" }],
  max_tokens: 50,
};

export type World = Awaited<ReturnType<typeof booksWorld>>;

/** `cleanUps` is run by the test file, last first. */
export async function booksWorld(
  cleanUps: (() => unknown)[],
  options: {
    readonly reply?: (received: Received) => Reply;
    /** The first provider's; the second answers. */
    readonly firstReply?: (received: Received) => Reply;
    readonly price?: Readonly<Record<string, string>>;
    readonly more?: Readonly<Record<string, unknown>>;
    readonly at?: number;
  } = {},
) {
  const time = manualClock(options.at);
  const reply = options.reply ?? (() => plainAnswer({ prompt: 10, completion: 5 }));
  const provider = fakeProvider(reply);
  cleanUps.push(provider.stop);
  const origins: Record<string, string> = { local: provider.origin };
  let first: FakeProvider | undefined;
  if (options.firstReply) {
    first = fakeProvider(options.firstReply);
    cleanUps.push(first.stop);
  }
  const app = await testApp({
    yaml: yamlFor(
      first ? { first: first.origin, ...origins } : origins,
      options.price,
      options.more,
    ),
    clock: time.clock,
  });
  cleanUps.push(app.stop);
  const ada = await app.addUser("ada");
  const get = async (path: string, token = ada.token, headers = {}) => {
    await app.drain();
    return app.answer(call("GET", path, token, undefined, headers));
  };
  const read = async (path: string, token = ada.token) => (await get(path, token)).json();
  const ask = async (body: object = {}, headers = {}, token = ada.token) => {
    const response = await app.answer(chat(token, { ...ASK, ...body }, headers));
    await response.text();
    return { status: response.status, id: response.headers.get("inference-id") ?? "", response };
  };
  const verify = async (text: string): Promise<Verdict> =>
    checkReceipt(text, app.site.receiptKey.publicKey);
  return { app, ada, provider, first, time, get, read, ask, verify };
}

export const fundsOf = ({ user }: TestUser): string => `user:${user.id}`;
