// Requests data and actions from the add-on.

const token = document.querySelector('meta[name="redback-token"]').content;
// Home Assistant may take a minute to answer what the add-on asks for the page.
const LONGEST = 90_000; // milliseconds
const TRIES = 3;
const PAUSE = 500; // milliseconds
const NO_ANSWER = "The add-on does not answer. Try again in a moment.";

/** The JSON of a path below `data/`, within some milliseconds; throws an Error with a readable sentence. */
export async function get(path, limit = LONGEST) {
  const end = new AbortController();
  const timer = setTimeout(() => end.abort(), limit);
  let answer;
  try {
    answer = await asked(path, end.signal);
  } catch {
    throw new Error(NO_ANSWER);
  } finally {
    clearTimeout(timer);
  }
  if (answer.status === 200) return answer.content;
  throw new Error(answer.content?.text ?? `The add-on answered with error ${answer.status}. Try again in a moment.`);
}

/** Asks again soon where no answer comes: browsers drop what they load when their network changes. */
async function asked(path, signal) {
  for (let left = TRIES - 1; ; left--) {
    try {
      const response = await fetch(`data/${path}`, { cache: "no-store", signal });
      const isJson = response.headers.get("Content-Type")?.startsWith("application/json");
      return { status: response.status, content: isJson ? await response.json() : null };
    } catch (error) {
      if (!left || signal.aborted) throw error;
    }
    await new Promise((done) => setTimeout(done, PAUSE));
  }
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
