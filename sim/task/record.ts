import { type Call, clientIdOf, keyHashOf } from "../call.js";
import type { Outcome } from "../log.js";
import { costOfUnits, type Units } from "../units.js";

export type Delivery = {
  readonly task: string;
  readonly model: string;
  readonly status: number;
  readonly stream?: boolean;
  readonly units: Units;
  readonly cost: bigint | undefined;
  readonly outcome: Outcome;
};

/** Writes a task into the delivery log. What was not delivered whole is not owed. */
export function recordTask(call: Call, delivery: Delivery): void {
  const { task, model, status, units, outcome } = delivery;
  const delivered = outcome === "complete" ? units : {};
  const price = call.state.unitPriceOf(call.provider, model, task);
  const cost = outcome === "complete" ? (delivery.cost ?? costOfUnits(units, price)) : 0n;
  call.state.log.add({
    provider: call.provider.id,
    task,
    model,
    providerRequestId: call.requestId,
    clientRequestId: clientIdOf(call),
    at: Date.now(),
    stream: delivery.stream ?? false,
    status,
    promptTokens: units.promptTokens ?? 0,
    cachedTokens: 0,
    completionTokensGenerated: units.completionTokens ?? 0,
    completionTokensDelivered: delivered.completionTokens ?? 0,
    reasoningTokens: 0,
    units: delivered,
    costNanoUsd: cost.toString(),
    outcome,
    keyHash: keyHashOf(call),
  });
}

/** For a call that was turned away before its body was read. */
export const recordRefusedTask = (call: Call, task: string, status: number): void =>
  recordTask(call, { task, model: "", status, units: {}, cost: undefined, outcome: "failed" });
