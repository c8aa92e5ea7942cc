/**
 * What a request has in common with many others. Written out once and shared, because it is most of what a
 * settlement says: the spool's lines carry the same text, and the store keeps it once, under a number.
 */
export type ProfileFacts = {
  readonly userId: string;
  readonly tokenId: string;
  /** The bucket of whoever pays: `user:…`, `org:…`. */
  readonly payer: string;
  /** The resource group it was billed to; empty for none. */
  readonly groupId: string;
  readonly model: string;
  readonly task: string;
  readonly provider: string;
  /** Forwarded with the caller's own provider key: nothing is charged. */
  readonly isOwnKey: boolean;
  /** By turns the units and the prices, in nano-USD per million, that are charged; empty for what is free. */
  readonly price: readonly string[];
};

export type Profile = ProfileFacts & {
  /** JSON of the facts, in order; the same for the same facts. */
  readonly text: string;
};

type Fields = [
  userId: string,
  tokenId: string,
  payer: string,
  groupId: string,
  model: string,
  task: string,
  provider: string,
  isOwnKey: boolean,
  price: readonly string[],
];

/** Facts with the text that tells them from all others, made once. */
export function profileOf(facts: ProfileFacts): Profile {
  const { userId, tokenId, payer, groupId, model, task, provider, isOwnKey, price } = facts;
  const who = [userId, tokenId, payer, groupId] as const;
  const fields: Fields = [...who, model, task, provider, isOwnKey, price];
  return {
    userId,
    tokenId,
    payer,
    groupId,
    model,
    task,
    provider,
    isOwnKey,
    price,
    text: JSON.stringify(fields),
  };
}

/** The other way round. `text` is what `profileOf` made. */
export function parseProfile(text: string): Profile {
  const [userId, tokenId, payer, groupId, model, task, provider, isOwnKey, price] = JSON.parse(
    text,
  ) as Fields;
  return { userId, tokenId, payer, groupId, model, task, provider, isOwnKey, price, text };
}
