// The other side of tests/csrf_gorilla.rs: gorilla/csrf itself.
//
//	gorilla_server KEY_HEX
//
// prints its address; GET /form answers with a token, POST /form with "ok".
package main

import (
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"os"

	"github.com/gorilla/csrf"
)

func main() {
	key, err := hex.DecodeString(os.Args[1])
	if err != nil {
		panic(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "GET" {
			fmt.Fprint(w, csrf.TemplateField(r))
			return
		}
		fmt.Fprintln(w, "ok")
	})
	fmt.Println("http://" + listener.Addr().String() + "/form")
	panic(http.Serve(listener, csrf.Protect(key, csrf.Path("/"))(handler)))
}
