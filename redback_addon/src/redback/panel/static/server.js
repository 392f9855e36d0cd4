// Requests data and actions from the add-on.

const token = document.querySelector('meta[name="redback-token"]').content;
// Home Assistant may take a minute to answer what the add-on asks for the page.
const LONGEST = 90_000; // milliseconds
const NO_ANSWER = "The add-on does not answer. Try again in a moment.";

/** The JSON of a path below `data/`, within some milliseconds; throws an Error with a readable sentence. */
export async function get(path, limit = LONGEST) {
  const end = new AbortController();
  const timer = setTimeout(() => end.abort(), limit);
  let response;
  try {
    response = await fetch(`data/${path}`, { cache: "no-store", signal: end.signal });
    if (response.ok) return await response.json();
  } catch {
    throw new Error(NO_ANSWER);
  } finally {
    clearTimeout(timer);
  }
  throw new Error(`The add-on answered with error ${response.status}. Try again in a moment.`);
}

/** Requests an action; resolves to its result, `{isDone, text}`. Never throws. */
export async function post(path, body = {}) {
  try {
    const response = await fetch(`do/${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Redback-Token": token },
      body: JSON.stringify(body),
    });
    const { text } = await response.json();
    return { isDone: response.ok, text };
  } catch {
    return { isDone: false, text: NO_ANSWER };
  }
}
