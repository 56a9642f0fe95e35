import http from "k6/http";
import { check, group } from "k6";

class Page {
  #path;
  constructor(path) {
    this.#path = path;
  }
  load() {
    this.response = http.get(__ENV.URL + this.#path);
    return this;
  }
  expect(status) {
    check(this.response, { [`${this.#path} is ${status}`]: (r) => r.status === status });
    return this;
  }
  static visit(...paths) {
    return paths.reduce((pages, path) => [...pages, new this(path).load()], []);
  }
}

class Shop extends Page {
  load() {
    return group("shop", () => super.load());
  }
}

export default function () {
  new Page("/").load().expect(200);
  Shop.visit("/json", "/status/404").forEach((page, i) => page.expect(i === 0 ? 200 : 404));
  const steps = { first: () => http.get(`${__ENV.URL}/`), second: () => http.get(`${__ENV.URL}/json`) };
  for (const name of Object.keys(steps)) check(steps[name](), { [name]: (r) => r.status === 200 });
}
