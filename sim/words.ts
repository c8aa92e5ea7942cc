/**
 * The vocabulary of simulated prose. Every entry, written with a space before it, is exactly one token
 * of o200k_base, and the tokenizer never joins across that space: so prose of n pieces is n tokens,
 * however it is cut and put together again. A test holds the list to it.
 */
export const STARTERS = "The This Every Some Each When After Before There Most".split(" ");

export const WORDS = (
  "river stone light morning garden window paper table quiet simple answer question number letter " +
  "market season winter summer mountain forest ocean island bridge street village city house room " +
  "door chair water fire earth wind music voice story book page word line point circle square color " +
  "green blue silver golden small large early late north south east west second third always often " +
  "never again under over between through along across other open close begin carry follow gather " +
  "measure travel return remember consider gentle bright heavy"
).split(" ");

/** Multi-byte words, each one token with its space, for the `unicode` dial. */
export const UNICODE_WORDS = (
  "über São été año señor мир это город вода день 世界 日本 한국 français résumé déjà für más también " +
  "después según está não então día información и по для"
).split(" ");
