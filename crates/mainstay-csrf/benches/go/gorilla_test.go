// What gorilla/csrf costs a request: the scenarios of ../cost.rs.
package gorilla

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/gorilla/csrf"
)

var key = []byte("0123456789abcdef0123456789abcdef")

func handler(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/page" {
		w.Write([]byte(csrf.Token(r)))
	}
}

func visit(h http.Handler) (string, string) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/page", nil))
	return strings.Split(w.Header().Get("Set-Cookie"), ";")[0], w.Body.String()
}

func measure(b *testing.B, h http.Handler, request func() *http.Request) {
	b.ReportAllocs()
	for n := 0; n < b.N; n++ {
		b.StopTimer()
		r, w := request(), httptest.NewRecorder()
		b.StartTimer()
		h.ServeHTTP(w, r)
		if w.Code != 200 {
			b.Fatal(w.Code, w.Body.String())
		}
	}
}

func request(method, path, cookie, token, body string) func() *http.Request {
	return func() *http.Request {
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.Header.Set("Cookie", cookie)
		r.Header.Set("Origin", "https://example.com")
		r.Header.Set("Referer", "https://example.com/page")
		if body != "" {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		} else if token != "" {
			r.Header.Set("X-CSRF-Token", token)
		}
		return r
	}
}

func scenarios(b *testing.B, h http.Handler, cookie, token string) {
	form := "gorilla.csrf.Token=" + url.QueryEscape(token) + "&name=Ann"
	b.Run("safe", func(b *testing.B) { measure(b, h, request("GET", "/do", cookie, "", "")) })
	b.Run("page", func(b *testing.B) { measure(b, h, request("GET", "/page", cookie, "", "")) })
	b.Run("header", func(b *testing.B) { measure(b, h, request("POST", "/do", cookie, token, "")) })
	b.Run("form", func(b *testing.B) { measure(b, h, request("POST", "/do", cookie, token, form)) })
}

func BenchmarkNothing(b *testing.B) {
	scenarios(b, http.HandlerFunc(handler), "a=b", "token")
}

func BenchmarkGorilla(b *testing.B) {
	h := csrf.Protect(key)(http.HandlerFunc(handler))
	cookie, token := visit(h)
	scenarios(b, h, cookie, token)
}
