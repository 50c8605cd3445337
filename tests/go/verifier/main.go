// Verifier checks a postwarden ledger with code that postwarden has no part in: Go's sumdb/note opens the signed notes,
// its sumdb/tlog knows the tree. It starts from the first verifier key, which somebody kept, and trusts nothing else.
//
//	verifier ledger FOLDER VKEY              a ledger's folder, an export with all its proofs, or its tiles
//	verifier proof FILE KEYS VKEY [OLD]      one proof file; OLD is the checkpoint that a consistency proof begins with
//
// It exits with 0 where everything holds and with 1, after saying why, where anything does not.
package main

import (
	"fmt"
	"os"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "NOT SOUND:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 3 && args[0] == "ledger":
		return verifyLedger(args[1], args[2])
	case len(args) == 4 && args[0] == "proof":
		return verifyProof(args[1], args[2], args[3], "")
	case len(args) == 5 && args[0] == "proof":
		return verifyProof(args[1], args[2], args[3], args[4])
	}
	return fmt.Errorf("usage: verifier ledger FOLDER VKEY | verifier proof FILE KEYS VKEY [OLD]")
}
