package main

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// An epoch is the life of one signing key: it signs checkpoints over more than size records, up to the size at which
// the next epoch begins.
type epoch struct {
	size int64
	root tlog.Hash
	key  note.Verifier
}

// A position is what a checkpoint says.
type position struct {
	size int64
	root tlog.Hash
}

// readChain follows every certificate in a folder, from the key that somebody kept on.
func readChain(folder, vkey string) ([]epoch, error) {
	signer, err := note.NewVerifier(vkey)
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	if len(entries) == 0 {
		return nil, fmt.Errorf("%s has no certificates", folder)
	}
	var chain []epoch
	for number, entry := range entries {
		if entry.Name() != fmt.Sprintf("%08d", number) {
			return nil, fmt.Errorf("keys: expected the certificate of epoch %d, found %q", number, entry.Name())
		}
		content, err := os.ReadFile(filepath.Join(folder, entry.Name()))
		if err != nil {
			return nil, err
		}
		opened, err := note.Open(content, note.VerifierList(signer))
		if err != nil {
			return nil, fmt.Errorf("certificate of epoch %d: %w", number, err)
		}
		found, err := parseCertificate(opened.Text, signer.Name(), number)
		if err != nil {
			return nil, fmt.Errorf("certificate of epoch %d: %w", number, err)
		}
		if number == 0 {
			if found.size != 0 || found.root != sha256.Sum256(nil) || keyID(found.key) != keyID(signer) {
				return nil, fmt.Errorf("the first certificate is not that of the kept key and an empty ledger")
			}
		} else if found.size <= chain[number-1].size {
			return nil, fmt.Errorf("epoch %d does not begin after epoch %d", number, number-1)
		}
		for other, before := range chain {
			if keyID(before.key) == keyID(found.key) {
				return nil, fmt.Errorf("epoch %d has the key of epoch %d", number, other)
			}
		}
		chain = append(chain, found)
		signer = found.key
	}
	return chain, nil
}

func parseCertificate(text, origin string, number int) (epoch, error) {
	lines := strings.Split(text, "\n")
	// The eighth line, where there is one, names a second key, of a kind that this program does not verify.
	if (len(lines) != 8 && len(lines) != 9) || lines[0] != "postwarden.epoch/v1" || lines[1] != origin {
		return epoch{}, fmt.Errorf("not a certificate of %s", origin)
	}
	if lines[2] != strconv.Itoa(number) {
		return epoch{}, fmt.Errorf("it is of epoch %s", lines[2])
	}
	size, err := parseSize(lines[3])
	if err != nil {
		return epoch{}, err
	}
	root, err := parseHash(lines[4])
	if err != nil {
		return epoch{}, err
	}
	key, err := note.NewVerifier(lines[5])
	if err != nil {
		return epoch{}, err
	}
	if key.Name() != origin {
		return epoch{}, fmt.Errorf("its key is of %s", key.Name())
	}
	return epoch{size, root, key}, nil
}

// openCheckpoint takes a checkpoint only from the key of the epoch that signs its size.
func openCheckpoint(content []byte, chain []epoch) (position, error) {
	text, _, found := strings.Cut(string(content), "\n\n")
	lines := strings.Split(text, "\n")
	if !found || len(lines) != 3 || lines[0] != chain[0].key.Name() {
		return position{}, fmt.Errorf("not a checkpoint of %s", chain[0].key.Name())
	}
	size, err := parseSize(lines[1])
	if err != nil {
		return position{}, err
	}
	root, err := parseHash(lines[2])
	if err != nil {
		return position{}, err
	}
	signs := 0
	for number, each := range chain {
		if each.size < size {
			signs = number
		}
	}
	opened, err := note.Open(content, note.VerifierList(chain[signs].key))
	if err != nil {
		return position{}, fmt.Errorf("checkpoint over %d records, by epoch %d: %w", size, signs, err)
	}
	if opened.Text != text+"\n" {
		return position{}, fmt.Errorf("the checkpoint's text is not what was signed")
	}
	for _, signature := range opened.UnverifiedSigs {
		for number, each := range chain {
			if number != signs && signature.Name == each.key.Name() && signature.Hash == each.key.KeyHash() {
				return position{}, fmt.Errorf("the checkpoint is signed by epoch %d, too", number)
			}
		}
	}
	return position{size, root}, nil
}

func keyID(key note.Verifier) string {
	return fmt.Sprintf("%s+%08x", key.Name(), key.KeyHash())
}

func parseSize(text string) (int64, error) {
	size, err := strconv.ParseInt(text, 10, 64)
	if err != nil || size < 0 || strconv.FormatInt(size, 10) != text {
		return 0, fmt.Errorf("%q is not a size", text)
	}
	return size, nil
}

func parseHash(text string) (tlog.Hash, error) {
	var hash tlog.Hash
	content, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(content) != len(hash) {
		return hash, fmt.Errorf("%q is not a hash", text)
	}
	copy(hash[:], content)
	return hash, nil
}
