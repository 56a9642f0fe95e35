import { open } from "k6/experimental/fs";
import csv from "k6/experimental/csv";
import { check } from "k6";

const file = await open("./data/rows.csv");
const rows = await csv.parse(file, { delimiter: ",", asObjects: true });

export default async function () {
  check(rows[1], { "quoted field": (row) => row.name === "b, ob" });
  const parser = new csv.Parser(file, { skipFirstLine: true });
  check(await parser.next(), { "row by row": ({ done, value }) => !done && value[0] === "ann" });
}
