// Reads {"name": "<html>", ...} from standard input, and writes for each mail which features of HTML and CSS it uses and
// what html-validate finds in it: {"name": {"features": [...], "faults": [...]}, ...}. The tests run it once for all mails.

import { faultsOf } from "./faults.mjs";
import { featuresOf } from "./features.mjs";

let input = "";
for await (const chunk of process.stdin.setEncoding("utf8")) {
  input += chunk;
}
const found = {};
for (const [name, html] of Object.entries(JSON.parse(input))) {
  found[name] = { features: featuresOf(html), faults: await faultsOf(html) };
}
process.stdout.write(JSON.stringify(found));
