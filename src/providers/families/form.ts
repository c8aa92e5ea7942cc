import type { Json } from "../../tasks/task-call.js";
import type { FormField, ProviderRequest } from "../provider.js";

/** `multipart/form-data` of a file, or a link to one, and of values: text as it is, all else as JSON. */
export const formOf = (path: string, file: FormField, values: Json): ProviderRequest => ({
  method: "POST",
  path,
  body: { kind: "form", fields: [file, ...fieldsOf(values)] },
});

const fieldsOf = (values: Json): FormField[] =>
  Object.entries(values)
    .filter(([, value]) => value !== undefined && value !== null)
    .map(([name, value]) => ({
      name,
      text: typeof value === "string" ? value : JSON.stringify(value),
    }));
