// Users of a shop: each signs in with a row of users.csv, then does what people do, in shares of 6 : 3 : 1, and thinks.
//   mettle load examples/load/shop.load.ts --env BASE_URL=http://127.0.0.1:3000
import { csvRows, defineLoad, type LoadUser } from "@mettle/load";

interface Shop {
  readonly token: string;
}

const users = csvRows(new URL("users.csv", import.meta.url));

/** What a user does, by name: each is called with the user. */
const actions = {
  browse: (user: LoadUser<Shop>) => user.http.get(`${user.env["BASE_URL"]}/items`, { name: "list of items" }),
  search: (user: LoadUser<Shop>) =>
    user.http.get(`${user.env["BASE_URL"]}/items`, {
      name: "search",
      query: { q: user.random.uniform() < 0.5 ? "tea" : "coffee" },
    }),
  buy: (user: LoadUser<Shop>) =>
    user.group("purchase", async () => {
      const headers = { Authorization: `Bearer ${user.data.token}` };
      const basket = await user.http.post(`${user.env["BASE_URL"]}/basket`, { item: 7 }, { headers, name: "basket" });
      user.check(basket, { "basket accepts": ({ ok }) => ok });
      user.counter("items_bought").add(1, { item: "7" });
    }),
};

export default defineLoad<Shop>({
  setup: async (user) => {
    const response = await user.http.post(`${user.env["BASE_URL"]}/login`, { username: "setup" });
    return { token: response.json<Shop>().token };
  },
  scenarios: {
    visitors: {
      stages: [
        { duration: "1s", target: 5 },
        { duration: "1s", target: 5 },
        { duration: "1s", target: 0 },
      ],
      run: async (user) => {
        user.tag({ customer: user.row(users)["kind"] ?? "unknown" });
        await user.choose({ browse: 6, search: 3, buy: 1 }, actions)(user);
        await user.think("50ms", "200ms");
      },
    },
    // Beside them, and from half a second on: a machine that asks for the state ten times a second.
    monitoring: {
      startTime: "500ms",
      rate: 10,
      duration: "2s",
      tags: { caller: "machine" },
      run: (user) => user.http.get(`${user.env["BASE_URL"]}/health`),
    },
  },
  thresholds: {
    "http_req_duration{name:search}": "p(95) < 800ms",
    "http_req_failed{scenario:monitoring}": "rate < 0.01",
    checks: "rate > 0.99",
  },
});
