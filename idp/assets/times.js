// @ts-check
// Says on hover when something was exactly, in the reader's zone. Without it the page says it in UTC.

for (const time of document.querySelectorAll("time[datetime]")) {
  if (!(time instanceof HTMLTimeElement)) continue;
  const exact = new Date(time.dateTime);
  if (Number.isNaN(exact.valueOf())) continue;
  time.title = exact.toLocaleString(document.documentElement.lang, { dateStyle: "long", timeStyle: "short" });
}
