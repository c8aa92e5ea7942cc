/** Settlements as the gateway would have spooled them: payers of unequal weight, with favourite models. */
import { newId } from "../../src/kernel/ids.js";
import { nanoUsd, ZERO } from "../../src/kernel/money.js";
import { type Profile, profileOf } from "../../src/ledger/profile.js";
import type { ReceiptDetails } from "../../src/ledger/receipt.js";
import type { Ended } from "../../src/ledger/spool-record.js";

/** A user with one token, who has a favourite model; some have a budget, and some tell their requests apart. */
export type Payer = {
  readonly user: string;
  readonly token: string;
  readonly model: number;
  readonly accounts: readonly string[];
  readonly tags: readonly string[];
  /** Its requests go with its own provider key, so that they cost nothing. */
  readonly isOwnKey: boolean;
};

/** The `i`th of them; `accounts` are what it is charged to. */
export const newPayer = (
  i: number,
  about: Pick<Payer, "user" | "token" | "accounts" | "isOwnKey">,
): Payer => ({
  ...about,
  model: i % MODELS.length,
  tags: i % 20 === 0 ? [`team=${i % 7}`] : [],
});

const MODELS = [
  ["meta-llama/Llama-3.1-8B-Instruct", "groq"],
  ["meta-llama/Llama-3.3-70B-Instruct", "together"],
  ["Qwen/Qwen3-235B-A22B-Instruct-2507", "novita"],
  ["openai/gpt-oss-120b", "cerebras"],
  ["deepseek-ai/DeepSeek-V3.1", "fireworks-ai"],
  ["mistralai/Mistral-Small-3.2-24B-Instruct-2506", "groq"],
] as const;
/** Says itself what a request cost. */
const TELLS_COST = "novita";

/** A few payers make most requests, mostly to their favourite model; one in fifty fails, and is free. */
export function settlementOf(payers: readonly Payer[]): Ended {
  const payer = pick(payers, chance() * chance());
  const { accounts, tags } = payer;
  const isServed = chance() < 0.98;
  const [model, provider] = pick(MODELS, chance() < 0.9 ? payer.model / MODELS.length : chance());
  const inputTokens = isServed ? 50 + Math.floor(chance() * 4_000) : 0;
  const outputTokens = isServed ? 1 + Math.floor(chance() * 800) : 0;
  const cost = nanoUsd(BigInt(inputTokens * 180 + outputTokens * 590));
  const durationMs = 200 + Math.floor(chance() * 8_000);
  return {
    id: newId(),
    profile: profileFor(payer, model, provider),
    at: Date.now(),
    status: isServed ? 200 : 502,
    outcome: isServed ? "served" : "failed",
    usage: {
      inputTokens,
      cachedInputTokens: Math.floor(inputTokens / 3),
      cacheWriteTokens: 0,
      outputTokens,
      reasoningTokens: 0,
      estimated: false,
    },
    cost,
    counted: isServed && provider === TELLS_COST ? cost : undefined,
    debits: isServed ? accounts.map((account) => ({ account, amount: cost })) : [],
    overrun: ZERO,
    durationMs,
    firstByteMs: isServed ? 150 : undefined,
    attempts: 1,
    isStream: chance() < 0.5,
    tags,
    details: detailsOf(provider, isServed),
  };
}

const detailsOf = (provider: string, isServed: boolean): ReceiptDetails => [
  "fastest",
  "",
  [`${provider}:${isServed ? 200 : 502}`],
  "3000000",
];

/** Made once, as the gateway does. */
const profiles = new Map<string, Profile>();

function profileFor({ user, token, isOwnKey }: Payer, model: string, provider: string): Profile {
  const key = `${user} ${model}`;
  const there = profiles.get(key);
  if (there) return there;
  const profile = profileOf({
    userId: user,
    tokenId: token,
    payer: `user:${user}`,
    groupId: "",
    model,
    task: "conversational",
    provider,
    isOwnKey,
    price: ["input", "180000000", "output", "590000000"],
  });
  profiles.set(key, profile);
  return profile;
}

/** The item that stands at a part of a list, from 0 to 1. */
function pick<Item>(items: readonly Item[], part: number): Item {
  const item = items[Math.floor(part * items.length)];
  if (item === undefined) throw new Error("nothing to pick");
  return item;
}

let seed = 1;
/** From 0 to 1, the same in every run. */
export function chance(): number {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
  return seed / 2 ** 32;
}
