import http from "k6/http";
import { parseHTML } from "k6/html";
import { check } from "k6";

export default function () {
  let r = http.get(`${__ENV.URL}/page`);
  const items = [];
  r.html()
    .find("li")
    .each((i, el) => items.push(`${i}:${el.textContent}`));
  check(items, { "items read": (list) => list.join() === "0:a,1:b,2:c" });
  check(parseHTML(r.body).find("form").serialize(), { serialised: (s) => s === "token=t1&quantity=2&gift=on&size=m" });
  r = r.submitForm({ formSelector: "form", fields: { quantity: "9" } });
  check(r, { sent: (x) => x.json("body").includes("quantity=9") });
  check(http.get(`${__ENV.URL}/page`).clickLink({ selector: "a" }), {
    followed: (x) => x.json("query.from") === "link",
  });
}
