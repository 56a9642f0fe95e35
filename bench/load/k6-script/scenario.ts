// The same as script.js, in our own API.
import { defineLoad, type LoadUser } from "@mettle/load";

async function fetchPage(user: LoadUser) {
  const response = await user.http.get("/");
  user.counter("answered").add(1);
  return response;
}

const target = process.env["TARGET"];

export default defineLoad({
  ...(target !== undefined && { http: { baseUrl: target } }),
  scenarios: {
    pages: {
      vus: Number(process.env["USERS"] ?? 50),
      duration: `${process.env["SECONDS"] ?? 10}s`,
      run: (user) =>
        user.group("front page", async () => {
          const response = await fetchPage(user);
          user.check(response, {
            "status is 200": (r) => r.status === 200,
            "body is there": (r) => r.text.length > 10,
          });
        }),
    },
  },
});
