/** Sends a file on while it comes in, no faster than the provider takes it: so little of it is in memory at a time. */
import type { Upload } from "../../tasks/media.js";
import type { Deadline } from "../deadline.js";
import type { Connection } from "./connection.js";
import type { Exchange } from "./exchange.js";

/** The caller sent less, or more, than was announced. */
export class BrokenUploadError extends Error {}

/** Longest pause of either side. Theirs is the fault of a gap, so the provider is not blamed for slow callers. */
const GAP_MS = 30_000;

/**
 * Never rejects: what goes wrong ends the exchange. `waiting` is called once all is sent. Stops where the provider has
 * answered; the connection then serves nobody else.
 */
export async function sendUpload(
  connection: Connection,
  exchange: Exchange,
  upload: Upload,
  deadline: Deadline,
  waiting: () => void,
): Promise<void> {
  let left = upload.length;
  connection.isSending = true;
  try {
    deadline.allow(GAP_MS, "upload");
    for await (const part of upload.parts()) {
      left -= part.byteLength;
      if (left < 0) break;
      if (exchange.head || deadline.isStopped) return;
      await connection.write(part);
      deadline.allow(GAP_MS, "upload");
    }
    if (left !== 0) throw new BrokenUploadError("the upload is not as long as it said");
    connection.isSending = false;
    waiting();
  } catch (thrown) {
    const reason =
      thrown instanceof BrokenUploadError
        ? thrown
        : new BrokenUploadError("the upload broke off", { cause: thrown });
    exchange.stop(reason);
  }
}
