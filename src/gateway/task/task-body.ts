/** The bytes of a request to a provider, and the type that is said of them. */
import type { FormField, RequestBody } from "../../providers/provider.js";

export type Body = { readonly type: string | undefined; readonly body: string | Uint8Array };

/** `boundary` stands between the fields of a form, and in none of them. */
export function printBody(body: RequestBody | undefined, boundary: string): Body {
  if (body === undefined) return { type: undefined, body: "" };
  if (body.kind === "json") return { type: "application/json", body: JSON.stringify(body.json) };
  if (body.kind === "bytes") return { type: body.media.type, body: body.media.bytes };
  return {
    type: `multipart/form-data; boundary=${boundary}`,
    body: printForm(body.fields, boundary),
  };
}

function printForm(fields: readonly FormField[], boundary: string): Uint8Array {
  const parts = fields.flatMap((field) => [
    Buffer.from(`--${boundary}\r\n${fieldHead(field)}\r\n\r\n`),
    "media" in field ? field.media.bytes : Buffer.from(field.text),
    Buffer.from("\r\n"),
  ]);
  return Buffer.concat([...parts, Buffer.from(`--${boundary}--\r\n`)]);
}

function fieldHead(field: FormField): string {
  const name = `content-disposition: form-data; name="${quoted(field.name)}"`;
  if (!("media" in field)) return name;
  const { fileName, media } = field;
  return `${name}; filename="${quoted(fileName)}"\r\ncontent-type: ${singleLine(media.type)}`;
}

/** As browsers write them: nothing in a name can end it, or begin a header. */
const quoted = (text: string): string =>
  text.replaceAll('"', "%22").replaceAll("\r", "%0D").replaceAll("\n", "%0A");

const singleLine = (text: string): string => text.replace(/[\r\n\0]/g, "");
