import type { Invalidation, InvalidationNews } from "./cache.ts";
import type { News } from "./news.ts";

const channel = "cache_dropped";

/**
 * What one instance drops from a cache, all drop. News that were lost are not lost for good: when the connection is back,
 * everything is dropped.
 *
 * @param cache - its name, the same in all instances
 */
export const cacheNews = (news: News, cache: string, onTrouble: (error: unknown) => void): InvalidationNews => ({
  tell: (what) => void news.tell(channel, JSON.stringify({ cache, what })).catch(onTrouble),
  listen: (heard) =>
    news.listen(channel, (payload) => {
      if (payload === "") heard({ prefix: "" });
      else {
        const told = JSON.parse(payload) as { readonly cache: string; readonly what: Invalidation };
        if (told.cache === cache) heard(told.what);
      }
    }),
});
