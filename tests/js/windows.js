/** How a page looks in windows of all sizes. */
import { screenshotPath, SIZES } from './host.js';

/** What does not fit, in windows of all sizes; a picture of each. */
export async function misfits(page, name) {
  const told = [];
  for (const [width, height] of SIZES) {
    await page.setViewportSize({ width, height });
    await shoot(page, `page-${width}x${height}-${name}`);
    told.push(...(await page.evaluate(beyond)).map((one) => `${width}x${height}: ${one}`));
  }
  return told;
}

export async function shoot(page, name) {
  await page.screenshot({ path: screenshotPath(name), fullPage: true });
}

/** What stands beyond the sides of the window, or is seen in part alone; but for what scrolls by itself. */
function beyond() {
  const shown = [...document.body.querySelectorAll('*')].filter((one) => one.checkVisibility());
  const wide = shown.filter((one) => {
    const { left, right } = one.getBoundingClientRect();
    return (left < -1 || right > innerWidth + 1) && !one.closest('#kernels, #report');
  });
  const told = wide.map((one) => `${one.tagName} ${one.id} ${one.className}`);
  if (document.scrollingElement.scrollWidth > innerWidth) told.push('the page scrolls sideways');
  return told;
}
