// @ts-check
// Tells a client's page whether somebody has signed in or out since it got its session state (OpenID Connect Session
// Management 1.0 §3.2). The page asks by a message: its client_id, a space, and its session_state.
// In the language of old browsers, with a SHA-256 (FIPS 180-4) of its own: theirs is missing where a page isn't https.

(function () {
  var script = document.currentScript || document.getElementsByTagName("script")[0];
  var cookie = script.getAttribute("data-cookie") || "";

  function browserState() {
    var pairs = document.cookie.split("; ");
    for (var i = 0; i < pairs.length; i += 1) {
      if (pairs[i].indexOf(cookie + "=") === 0) return pairs[i].slice(cookie.length + 1);
    }
    return "";
  }

  /**
   * The first 32 bits of the fractional part.
   * @param {number} root
   */
  function fraction(root) {
    return ((root - Math.floor(root)) * 4294967296) | 0;
  }

  /** @type {number[]} */
  var rounds = [];
  /** @type {number[]} */
  var start = [];
  for (var candidate = 2; rounds.length < 64; candidate += 1) {
    var prime = true;
    for (var divisor = 2; divisor * divisor <= candidate; divisor += 1) {
      if (candidate % divisor === 0) prime = false;
    }
    if (prime) {
      if (start.length < 8) start.push(fraction(Math.pow(candidate, 1 / 2)));
      rounds.push(fraction(Math.pow(candidate, 1 / 3)));
    }
  }

  /**
   * @param {number} word
   * @param {number} count
   */
  function rotated(word, count) {
    return (word >>> count) | (word << (32 - count));
  }

  /** @param {string} text */
  function sha256(text) {
    var bytes = unescape(encodeURIComponent(text));
    var length = bytes.length * 8;
    bytes += "\x80";
    while (bytes.length % 64 !== 56) bytes += "\x00";
    /** @type {number[]} */
    var words = [];
    for (var i = 0; i < bytes.length; i += 1) words[i >> 2] = (words[i >> 2] || 0) | (bytes.charCodeAt(i) << (24 - (i % 4) * 8));
    words.push(0, length);
    var hash = start.slice();
    for (var block = 0; block < words.length; block += 16) {
      var w = words.slice(block, block + 16);
      var s = hash.slice();
      for (var t = 0; t < 64; t += 1) {
        if (t >= 16) {
          var x = w[t - 15];
          var y = w[t - 2];
          var sigma0 = rotated(x, 7) ^ rotated(x, 18) ^ (x >>> 3);
          var sigma1 = rotated(y, 17) ^ rotated(y, 19) ^ (y >>> 10);
          w[t] = (w[t - 16] + sigma0 + w[t - 7] + sigma1) | 0;
        }
        var chosen = (s[4] & s[5]) ^ (~s[4] & s[6]);
        var one = (s[7] + (rotated(s[4], 6) ^ rotated(s[4], 11) ^ rotated(s[4], 25)) + chosen + rounds[t] + w[t]) | 0;
        var most = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]);
        var two = ((rotated(s[0], 2) ^ rotated(s[0], 13) ^ rotated(s[0], 22)) + most) | 0;
        s = [(one + two) | 0, s[0], s[1], s[2], (s[3] + one) | 0, s[4], s[5], s[6]];
      }
      for (var k = 0; k < 8; k += 1) hash[k] = (hash[k] + s[k]) | 0;
    }
    return hash.map(function (word) {
      return ("0000000" + (word >>> 0).toString(16)).slice(-8);
    }).join("");
  }

  /**
   * @param {unknown} message
   * @param {string} origin
   */
  function answerTo(message, origin) {
    var asked = typeof message === "string" ? /^(\S+) ([0-9a-f]{64})\.([0-9a-f]{1,64})$/.exec(message) : null;
    if (!asked) return "error";
    return sha256(asked[1] + " " + origin + " " + browserState() + " " + asked[3]) === asked[2] ? "unchanged" : "changed";
  }

  window.addEventListener("message", function (event) {
    var asker = /** @type {Window | null} */ (event.source);
    if (!asker || asker === window) return;
    asker.postMessage(answerTo(event.data, event.origin), event.origin);
  });
})();
