/** See `huggingface.mjs`. */
export declare function useTurnpike(origin: string | URL): () => void;
export declare function turnpikeFetch(origin: string | URL, inner?: typeof fetch): typeof fetch;
