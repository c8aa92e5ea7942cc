/**
 * Models small enough to be written by hand: every output is a table with a row for each token of the vocabulary, looked
 * up, and for a text as a whole summed. In ONNX's own bytes, with a tokenizer, so that the real engine runs them.
 * Source: onnx.proto of ONNX 1.16, from general knowledge.
 */

export const VOCABULARY = [
  ...["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"],
  ...[
    "good",
    "bad",
    "the",
    "film",
    "is",
    "paris",
    "ada",
    "lovelace",
    "lives",
    "in",
    "where",
    "?",
    ".",
  ],
] as const;

export type Word = (typeof VOCABULARY)[number];

/** A row of numbers for some words; the others have zeros. */
export type Table = {
  readonly width: number;
  readonly rows: Partial<Record<Word, readonly number[]>>;
};

export type TinyModel = {
  /** By the name of the output. */
  readonly outputs: Readonly<Record<string, Table>>;
  /** Each output is one row for the text, not one for each token. */
  readonly isSummed?: boolean;
  readonly architecture: string;
  readonly labels?: readonly string[];
};

/** The files of its repository. */
export function tinyRepository(model: TinyModel): Record<string, string | Uint8Array> {
  const labels = model.labels?.map((label, id) => [id, label] as const) ?? [];
  return {
    "config.json": JSON.stringify({
      model_type: "bert",
      architectures: [model.architecture],
      vocab_size: VOCABULARY.length,
      id2label: Object.fromEntries(labels),
      label2id: Object.fromEntries(labels.map(([id, label]) => [label, id])),
    }),
    "tokenizer.json": JSON.stringify(tokenizer()),
    "tokenizer_config.json": JSON.stringify({
      tokenizer_class: "BertTokenizer",
      model_max_length: 64,
      unk_token: "[UNK]",
      sep_token: "[SEP]",
      pad_token: "[PAD]",
      cls_token: "[CLS]",
      mask_token: "[MASK]",
    }),
    "onnx/model.onnx": onnxModel(model),
  };
}

function tokenizer() {
  const special = VOCABULARY.slice(0, 5).map((content, id) => ({
    ...{ id, content, special: true, normalized: false },
    ...{ single_word: false, lstrip: false, rstrip: false },
  }));
  const of = (id: "A" | "B", type_id: number) => ({ Sequence: { id, type_id } });
  const token = (id: string, type_id: number) => ({ SpecialToken: { id, type_id } });
  const single = [token("[CLS]", 0), of("A", 0), token("[SEP]", 0)];
  return {
    added_tokens: special,
    normalizer: {
      type: "BertNormalizer",
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: true,
    },
    pre_tokenizer: { type: "BertPreTokenizer" },
    post_processor: {
      type: "TemplateProcessing",
      single,
      pair: [...single, of("B", 1), token("[SEP]", 1)],
      special_tokens: {
        "[CLS]": { id: "[CLS]", ids: [2], tokens: ["[CLS]"] },
        "[SEP]": { id: "[SEP]", ids: [3], tokens: ["[SEP]"] },
      },
    },
    decoder: { type: "WordPiece", prefix: "##", cleanup: true },
    model: {
      type: "WordPiece",
      unk_token: "[UNK]",
      continuing_subword_prefix: "##",
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(VOCABULARY.map((word, id) => [word, id])),
    },
  };
}

type Field = readonly [number: number, value: number | string | Uint8Array];

/** Protocol buffers: numbers as varints, texts and messages with their length. */
function message(...fields: readonly Field[]): Uint8Array {
  return Buffer.concat(
    fields.flatMap(([number, value]) => {
      if (typeof value === "number") return [varint(number << 3), varint(value)];
      const bytes = Buffer.from(value);
      return [varint((number << 3) | 2), varint(bytes.length), bytes];
    }),
  );
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Uint8Array.from([...bytes, rest]);
}

const [FLOAT, INT64] = [1, 7];
const OPSET = 13;

function onnxModel({ outputs, isSummed = false }: TinyModel): Uint8Array {
  const inputs = ["input_ids", "attention_mask", "token_type_ids"].map(
    (name) => [11, valueInfo(name, INT64, ["b", "s"])] as const,
  );
  const parts = Object.entries(outputs).flatMap(([name, table]) => lookUp(name, table, isSummed));
  const graph = message(...parts, [2, "tiny"], ...inputs);
  return message([1, 8], [7, graph], [8, message([1, ""], [2, OPSET])]);
}

/** The parts of a graph for one output. A table that is one wide has no last dimension. */
function lookUp(name: string, { width, rows }: Table, isSummed: boolean): Field[] {
  const table = VOCABULARY.map((word) => rows[word] ?? new Array<number>(width).fill(0));
  const shape = width === 1 ? [VOCABULARY.length] : [VOCABULARY.length, width];
  const found = isSummed ? `${name}_of_tokens` : name;
  const dimensions = ["b", ...(isSummed ? [] : ["s"]), ...(width === 1 ? [] : [width])];
  const gather = message([1, `${name}_table`], [1, "input_ids"], [2, found], [4, "Gather"]);
  const sum = message(
    [1, found],
    [1, "axes"],
    [2, name],
    [4, "ReduceSum"],
    [5, message([1, "keepdims"], [3, 0], [20, 2])],
  );
  const axes = message(
    [1, 1],
    [2, INT64],
    [8, "axes"],
    [9, Buffer.from(BigInt64Array.of(1n).buffer)],
  );
  return [
    [1, gather],
    ...(isSummed
      ? ([
          [1, sum],
          [5, axes],
        ] as const)
      : []),
    [
      5,
      message(
        ...shape.map((each) => [1, each] as const),
        [2, FLOAT],
        [8, `${name}_table`],
        [9, Buffer.from(Float32Array.from(table.flat()).buffer)],
      ),
    ],
    [12, valueInfo(name, FLOAT, dimensions)],
  ];
}

const valueInfo = (
  name: string,
  type: number,
  dimensions: readonly (string | number)[],
): Uint8Array => {
  const shape = message(
    ...dimensions.map(
      (each) => [1, message(typeof each === "number" ? [1, each] : [2, each])] as const,
    ),
  );
  return message([1, name], [2, message([1, message([1, type], [2, shape])])]);
};
