// The server renders; this fetches what it renders now and puts it in place of what is shown.
const shown = document.querySelector("main");
const lost = document.getElementById("lost");
async function refresh() {
  if (document.hidden || !getSelection().isCollapsed) return;
  try {
    const answer = await fetch(location.href, { signal: AbortSignal.timeout(5000) });
    if (!answer.ok) throw new Error(answer.statusText);
    const next = new DOMParser().parseFromString(await answer.text(), "text/html");
    const focused = shown.contains(document.activeElement) ? document.activeElement.id : null;
    shown.innerHTML = next.querySelector("main").innerHTML;
    if (focused) document.getElementById(focused)?.focus();
    lost.hidden = true;
  } catch {
    lost.hidden = false;
  }
}
setInterval(refresh, 2000);
document.addEventListener("visibilitychange", refresh);
