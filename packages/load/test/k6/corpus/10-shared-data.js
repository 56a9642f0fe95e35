import http from "k6/http";
import { SharedArray } from "k6/data";
import { scenario } from "k6/execution";
import { check } from "k6";

const users = new SharedArray("users", function () {
  return JSON.parse(open("./data/users.json")).users;
});

export default function () {
  const user = users[scenario.iterationInTest % users.length];
  const r = http.post(`${__ENV.URL}/echo`, JSON.stringify(user));
  check(r, { "name sent": (x) => JSON.parse(x.json("body")).name === user.name });
}
