import { check } from "k6";
import { SharedArray } from "k6/data";

const users = new SharedArray("users", () => JSON.parse(open(import.meta.resolve("./data/users.json"))).users);

export default function () {
  check(users, { "users were read": (list) => list.length > 0 && import.meta.url.endsWith("23-import-meta.js") });
}
