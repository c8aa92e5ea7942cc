/** Stripe takes forms whose names nest: `line_items[0][price_data][currency]=usd`. */

export type Form = { readonly [name: string]: string | Form };
type Growing = { [name: string]: string | Growing };

export function parseForm(text: string): Form {
  const form: Growing = {};
  for (const [name, value] of new URLSearchParams(text)) {
    const path = [...name.matchAll(/[^[\]]+/g)].map(([part]) => part);
    const last = path.pop() ?? "";
    let at = form;
    for (const part of path) {
      const next = at[part];
      if (typeof next === "object") at = next;
      else {
        const fresh: Growing = {};
        at[part] = fresh;
        at = fresh;
      }
    }
    at[last] = value;
  }
  return form;
}

/** The text at `a[b][c]`, undefined where there is none. */
export function formValue(form: Form, name: string): string | undefined {
  let at: string | Form | undefined = form;
  for (const [part] of name.matchAll(/[^[\]]+/g)) {
    at = typeof at === "object" ? at[part] : undefined;
  }
  return typeof at === "string" ? at : undefined;
}

/** Every name that holds a text, written as it was sent. */
export function formNames(form: Form, prefix = ""): string[] {
  return Object.entries(form).flatMap(([name, value]) => {
    const full = prefix === "" ? name : `${prefix}[${name}]`;
    return typeof value === "string" ? [full] : formNames(value, full);
  });
}
