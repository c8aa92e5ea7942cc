/** Takes refunded credit back that was leased when the refund was told. */
import type { Clock } from "../kernel/clock.js";
import type { Payment, PaymentStore } from "../ledger/payment.js";
import type { LedgerStore } from "../ledger/store.js";

type Parts = {
  readonly payments: PaymentStore;
  readonly ledger: LedgerStore;
  readonly clock: Clock;
  /** Gives back what nobody in this process holds of a bucket. Only others hear of it by the list of changes. */
  readonly answerRecall: (bucketId: string, recall: number) => Promise<void>;
};

/** Asks in the name of no process, so that the answers of all are waited for. */
const ASKER = "payments";
/** How often one payment is taken on, by whichever process comes first. */
const EVERY_MS = 2_000;
const POLL_MS = 50;
/** How long one round waits for others to give back. */
const WAIT_MS = 1_000;

/** One round: takes back what refunds and lost disputes still ask for, of payments that no other process is at. */
export async function collectReversals(parts: Parts): Promise<void> {
  const owing = await parts.payments.claimOutstanding(parts.clock.now(), EVERY_MS);
  await Promise.all(owing.map((payment) => collect(parts, payment)));
}

/**
 * Asks idle leases back, and takes what comes before anybody leases it again. What running requests hold is
 * either spent by them or there the next time.
 */
async function collect(parts: Parts, payment: Payment): Promise<void> {
  const { payments, ledger, clock } = parts;
  const began = clock.now();
  const recall = await ledger.askBack(ASKER, payment.bucket, began);
  await parts.answerRecall(payment.bucket, recall);
  for (;;) {
    const { isAnswered } = await ledger.recallState(ASKER, payment.bucket, recall, clock.now());
    const now = await payments.collect(payment.id, clock.now());
    if (!now || now.outstanding === 0n || isAnswered) return;
    if (clock.now() >= began + WAIT_MS) return;
    await clock.sleep(POLL_MS);
  }
}
