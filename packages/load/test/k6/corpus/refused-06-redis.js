import redis from "k6/experimental/redis";

const client = new redis.Client("redis://127.0.0.1:6379");

export default async function () {
  await client.set("a", "b");
}
