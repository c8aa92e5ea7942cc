import type { KeyObject } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { loadConfig } from "../config/config.js";
import { RECEIPT_CHARS_MAX } from "../kernel/limits.js";
import { formatUsd } from "../kernel/money.js";
import { parsePublicKey, receiptKey } from "../ledger/receipt-key.js";
import { checkReceipt } from "../ledger/signed-receipt.js";
import { type CommonOptions, command } from "./command.js";
import { masterKeyOf } from "./local.js";
import { show, UserError } from "./output.js";

type VerifyOptions = CommonOptions & { readonly key?: string };

const FETCH_MS = 10_000;

export const receipt = new Command("receipt")
  .description("receipts of requests")
  .addCommand(
    command("verify", "prove that a receipt is the one that was signed; needs no network")
      .argument("<file>", "the receipt, as the API gave it; - for standard input")
      .option(
        "--key <file or URL>",
        "the published key, saved or at …/api/turnpike/receipt-key (default: that of this data folder)",
      )
      .action(verify),
  );

async function verify(file: string, options: VerifyOptions): Promise<void> {
  const publicKey = await keyFor(options);
  const verdict = checkReceipt(await readText(file), publicKey);
  if (verdict.ok) {
    const { inference_id: id, cost_nano_usd: cost } = verdict.receipt;
    const says =
      typeof cost === "string" && /^\d+$/.test(cost) ? `, $${formatUsd(BigInt(cost))}` : "";
    show(options, { valid: true, inference_id: id }, () => `Genuine: request ${id}${says}.`);
    return;
  }
  show(
    options,
    { valid: false, why: verdict.why, message: verdict.message },
    () => verdict.message,
  );
  process.exitCode = 1;
}

async function readText(file: string): Promise<string> {
  if (file === "-") return Bun.stdin.text();
  if (!existsSync(file)) throw new UserError(`The file ${file} does not exist.`);
  return readFileSync(file, "utf8");
}

async function keyFor(options: VerifyOptions): Promise<KeyObject> {
  if (options.key === undefined) return ownKey(options);
  const isUrl = /^https?:\/\//.test(options.key);
  const text = isUrl ? await fetchText(options.key) : await readText(options.key);
  const publicKey = parsePublicKey(text);
  if (publicKey) return publicKey;
  throw new UserError(`--key: ${options.key} holds no Ed25519 public key.`);
}

async function fetchText(url: string): Promise<string> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(FETCH_MS) });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    return (await answer.text()).slice(0, RECEIPT_CHARS_MAX);
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw new UserError(`--key: ${url} cannot be read (${why}).`);
  }
}

/** Where the secret is, the key is known; a secret is never made for this. */
function ownKey(options: VerifyOptions): KeyObject {
  const config = loadConfig(options, process.env);
  if (config.secret === undefined && !existsSync(join(config.dataFolder, "secret"))) {
    throw new UserError(
      `There is no secret in ${config.dataFolder} to know the key by. Give --key: a file, or the address of /api/turnpike/receipt-key.`,
    );
  }
  return receiptKey(masterKeyOf(config)).publicKey;
}
