// A browser without a window: cookies, redirects by hand, forms. For tests that stop between two requests.
import { parse } from 'node-html-parser';

export class HttpBrowser {
  #cookies = new Map();

  /** One request; redirects aren't followed. A form is sent as a browser sends it. */
  async request(url, form) {
    const headers = { accept: 'text/html', cookie: [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ') };
    const body = form && new URLSearchParams(form);
    if (form) Object.assign(headers, { origin: new URL(url).origin, 'sec-fetch-site': 'same-origin' });
    const response = await fetch(url, { method: form ? 'POST' : 'GET', headers, body, redirect: 'manual' });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name, value] = cookie.match(/^([^=]+)=([^;]*)/);
      if (/;\s*max-age=0/i.test(cookie) || value === '') this.#cookies.delete(name);
      else this.#cookies.set(name, value);
    }
    const location = response.headers.get('location');
    return { status: response.status, text: await response.text(), location: location && new URL(location, url).href };
  }

  /** The first form of a page: where it goes, and its hidden fields. */
  static form({ text }, url) {
    const form = parse(text).querySelector('form');
    const hidden = form.querySelectorAll('input[type=hidden]').map((input) => [input.getAttribute('name'), input.getAttribute('value')]);
    return { action: new URL(form.getAttribute('action'), url).href, fields: Object.fromEntries(hidden) };
  }
}
