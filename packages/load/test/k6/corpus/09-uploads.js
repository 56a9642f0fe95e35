import http from "k6/http";
import { check } from "k6";
import { FormData } from "https://jslib.k6.io/formdata/0.0.2/index.js";

const picture = open("./data/picture.bin", "b");

export default function () {
  const direct = http.post(`${__ENV.URL}/echo`, { title: "t", file: http.file(picture, "picture.bin") });
  check(direct, { multipart: (r) => r.json("body").includes('filename="picture.bin"') });
  const form = new FormData();
  form.append("list", "1");
  form.append("list", "2");
  form.append("file", http.file(picture, "p.bin", "image/x"));
  const r = http.post(`${__ENV.URL}/echo`, form.body(), {
    headers: { "Content-Type": `multipart/form-data; boundary=${form.boundary}` },
  });
  check(r, { "two fields of one name": (x) => x.json("body").split('name="list"').length === 3 });
}
