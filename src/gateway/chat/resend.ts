import type { ChatCall, Gateway } from "../parts.js";
import type { Outcome } from "../send.js";
import type { Turn } from "../turn.js";

/** Sends a request to the candidate whose turn it is. */
export type Resend = (gateway: Gateway, call: ChatCall, turn: Turn) => Promise<Outcome>;
