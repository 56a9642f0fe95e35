// A file written for tinybench, as it stands. Mettle measures after the file has loaded, so its own table is empty.
import { Bench } from "tinybench";

const bench = new Bench({ name: "joining strings", time: 100 });
const words = Array.from({ length: 100 }, (_, i) => `word-${i}`);

bench
  .add("join", () => words.join(" "))
  .add("concatenate", () => {
    let text = "";
    for (const word of words) text += `${word} `;
    return text;
  });

await bench.run();
console.table(bench.table());
