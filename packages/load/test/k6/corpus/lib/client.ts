import http from "k6/http";

export interface Item {
  name: string;
}

export class Client<T extends object> {
  readonly base: string;

  constructor(base: string) {
    this.base = base;
  }

  url(path: string): string {
    return `${this.base}${path}`;
  }

  create(item: T): T {
    return JSON.parse(http.post(this.url("/echo"), JSON.stringify(item)).json("body") as string) as T;
  }
}
