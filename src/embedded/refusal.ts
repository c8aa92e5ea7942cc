/** The end of a request at the embedded provider, told in the form that hf-inference has for it. */
export class Refusal extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    message: string,
    headers: Readonly<Record<string, string>> = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = "Refusal";
    this.status = status;
    this.headers = headers;
  }
}

export const badInput = (message: string): Refusal => new Refusal(400, message);

export const tooLarge = (bytesMax: number): Refusal =>
  new Refusal(413, `The body is larger than the limit of ${bytesMax} bytes.`);

export const refusalResponse = ({ status, message, headers }: Refusal): Response =>
  Response.json({ error: message }, { status, headers });
