// Keeps the event stream from the add-on open, and reopens it whenever it ends.

const FIRST_DELAY = 1_000; // milliseconds
const LONGEST_DELAY = 15_000;
// The add-on sends something at least every 15 seconds.
const SILENCE = 40_000;

/**
 * Opens the stream, and keeps it open while the page is.
 *
 * @param {(status: object) => void} onStatus called with each Status.
 * @param {(isConnected: boolean) => void} onChange called on connect and disconnect.
 */
export function follow(onStatus, onChange) {
  let source;
  let delay = FIRST_DELAY;
  let timer;

  const again = () => {
    source.close();
    clearTimeout(timer);
    onChange(false);
    timer = setTimeout(open, delay);
    delay = Math.min(delay * 2, LONGEST_DELAY);
  };

  const watch = () => {
    clearTimeout(timer);
    timer = setTimeout(again, SILENCE);
  };

  const open = () => {
    source = new EventSource("live");
    source.addEventListener("status", (event) => {
      delay = FIRST_DELAY;
      watch();
      onStatus(JSON.parse(event.data));
      onChange(true);
    });
    source.addEventListener("error", again);
    watch();
  };

  open();
  // A phone that wakes up retries at once.
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && source.readyState === EventSource.CLOSED) {
      clearTimeout(timer);
      open();
    }
  });
}
