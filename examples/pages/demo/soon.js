// When to draw: not for each thing that happens, but once for all that happened meanwhile.

/** A function to be called whenever something is to be drawn. `draw` is called in the next frame,
    or later if it has taken long: most of the time is for what comes, and for who clicks. */
export function soon(draw) {
  let isDue = false;
  let rest = 0;
  const run = () => {
    isDue = false;
    const began = performance.now();
    draw();
    const took = performance.now() - began;
    rest = took > 8 ? 4 * took : 0;
  };
  return () => {
    if (isDue) return;
    isDue = true;
    setTimeout(() => requestAnimationFrame(run), rest);
  };
}
