// Counts what a model reads: JSON on standard input, its o200k tokens on standard output.
//   node bench/tokens.mjs < tools.json
// The JSON is counted without spaces. Needs the npm package gpt-tokenizer, in .ci/node or where NODE_PATH points.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const require = createRequire(import.meta.url);
const places = ["../.ci/node", ".."].map((place) => fileURLToPath(new URL(place, import.meta.url)));

function tokenizer() {
  const name = "gpt-tokenizer/encoding/o200k_base";
  try {
    return require(require.resolve(name, { paths: [...places, process.cwd()] }));
  } catch (error) {
    if (error.code !== "MODULE_NOT_FOUND") throw error;
    console.error("gpt-tokenizer is not installed: npm install --prefix .ci/node gpt-tokenizer");
    process.exit(3);
  }
}

const { countTokens } = tokenizer();
console.log(countTokens(JSON.stringify(JSON.parse(readFileSync(0, "utf8")))));
