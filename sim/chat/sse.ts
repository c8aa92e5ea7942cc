/** One server-sent event, ready to write, and the completion tokens it carries. */
export type Event = { readonly text: string; readonly tokens: number };
